def main():
    print("about to break")
    raise ValueError("it broke")
