def main(value):
    return {"value": value}
