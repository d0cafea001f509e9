"""What jobs import most, to be imported ahead; used by `zygote`, before any job.

Each module is paid for by every job, about 0.05 ms for each MB, and must not look at the environment, the folder or the
clock when it is imported: what it would see is not a job's. `ssl`, and with it `http.client`, is left out: OpenSSL is a
quarter of the whole, and slows the end of every job. Most of what else `http.client` needs is here.
"""

# ruff: noqa: F401

import base64
import collections
import dataclasses
import datetime
import decimal
import email.message
import email.parser
import email.utils
import functools
import json
import pathlib
import random
import re
import subprocess
import tempfile
import traceback
import typing
import urllib.parse
import uuid

from . import arguments, encoding, failures
