from shelf import create

app = create()
