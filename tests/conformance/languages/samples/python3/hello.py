def main(name: str):
    print(f"greeting {name}")
    return f"hello {name}"
