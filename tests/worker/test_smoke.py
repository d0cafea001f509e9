"""One job of each language, end to end."""


async def test_a_python_preview_returns_its_result_and_log(platform):
    job = await platform.preview("def main(x: int):\n    print('hello')\n    return x + 1", x=41)
    assert (job["success"], job["result"], job["logs"]) == (True, 42, "hello\n")


async def test_a_bash_preview_returns_the_trailing_json_block(platform):
    job = await platform.preview('name="$1"\necho working\necho "{\\"hello\\": \\"$name\\"}"', "bash", name="ann")
    assert (job["success"], job["result"]) == (True, {"hello": "ann"})
