import sys


def main(code: int):
    sys.exit(code)
