"""The DAG that `serve_airflow` triggers."""

from airflow.sdk import dag, get_current_context, task


@dag(dag_id="increment", schedule=None, is_paused_upon_creation=False)
def increment():
    @task(task_id="increment")
    def add_one():
        return get_current_context()["dag_run"].conf["n"] + 1

    add_one()


increment()
