import time
from typing import Literal

PAUSE_SECONDS = 0.3


def main(name: str, times: int = 3, color: Literal["blue", "green", "violet"] = "blue"):
    """Greet someone, one log line at a time.

    Args:
        name: Who is greeted
        times: How often
        color: The colour of the greeting
    """
    for number in range(1, times + 1):
        print(f"{number}/{times}: hello, {name}!", flush=True)
        time.sleep(PAUSE_SECONDS)
    return {"greeting": f"Hello, {name}!", "times": times, "color": color}
