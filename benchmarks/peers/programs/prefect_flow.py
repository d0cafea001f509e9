"""The flow that `serve_prefect` has Prefect serve."""

from prefect import flow


@flow(persist_result=True)
def increment(n: int) -> int:
    return n + 1


if __name__ == "__main__":
    increment.serve(name="bench", limit=4)
