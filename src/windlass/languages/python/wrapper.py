"""The file that a job's process executes: `python -I -S wrapper.py <folder>/job.json`.

It is constant; everything that differs between jobs is data in the job's folder. It stays this small because
a file that is executed by path is compiled anew each time, while the package beside it is kept as byte code.
A process that `multiprocessing` spawns executes it too, as `__mp_main__`, and then only needs the script's
module to unpickle from. In a warm process
it is the code that a fork runs as `__main__`.
"""

import sys

sys.path.insert(0, __file__.rpartition("/")[0])
from windlass_job import runner  # noqa: E402

del sys.path[0]

if __name__ == "__main__":
    sys.exit(runner.run(sys.argv[1]))
elif __name__ == "__mp_main__":
    runner.adopt(sys.argv[1])
