from postroom.cli import app

app(prog_name="postroom")
