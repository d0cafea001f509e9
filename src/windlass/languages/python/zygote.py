"""The file that a warm process for Python jobs executes: `python -I -S zygote.py <wrapper> <settings> [<module>…]`.

It becomes each job in a fork of itself, and so stands in place of `wrapper.py`, which it is given to run. What it does
is in `windlass_job/zygote.py`.
"""

import sys

sys.path.insert(0, __file__.rpartition("/")[0])
from windlass_job import zygote  # noqa: E402

del sys.path[0]

if __name__ == "__main__":
    zygote.main(*sys.argv[1:])
