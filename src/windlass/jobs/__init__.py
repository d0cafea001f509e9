"""The queue: how a job is born (`launch`), claimed (`pull`), read (`read`), watched (`wait`, `logs`) and ended
(`complete`).

One door per state change. A row of `job` never changes; its place is either in `job_queue` or in `job_completed`. Every
claim raises the job's epoch, and whoever comes back with an older epoch changes nothing. Begin with `model.py`.
"""
