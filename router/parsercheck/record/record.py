#!/usr/bin/env python3
"""Runs the programs of this directory inside `pgroute lab run --exec`.

record.py log NAME...      writes what the server logged to ../testdata/orm
record.py compare NAME...  runs each directly and through pgroute
"""

import glob
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.environ.get("RECORD_TOOLS", HERE)  # where README.md has things installed
PYTHON = os.path.join(TOOLS, "py", "bin", "python")
GO = os.path.join(TOOLS, "shop")
JAVA = ["java", "-cp", f"{TOOLS}/java/target/classes:{TOOLS}/java/target/dependency/*"]
PROGRAMS = {
    "sqlalchemy-psycopg": [PYTHON, "sqlalchemy_shop.py", "psycopg"],
    "sqlalchemy-psycopg2": [PYTHON, "sqlalchemy_shop.py", "psycopg2"],
    "sqlalchemy-asyncpg": [PYTHON, "sqlalchemy_shop.py", "asyncpg"],
    "django": [PYTHON, "django_shop.py"],
    "django-server": [PYTHON, "django_shop.py", "server"],
    "psycopg": [PYTHON, "drivers.py", "psycopg"],
    "asyncpg": [PYTHON, "drivers.py", "asyncpg"],
    "sequelize": ["node", "sequelize_shop.cjs"],
    "typeorm": ["node", "typeorm_shop.cjs"],
    "knex": ["node", "knex_shop.cjs"],
    "prisma": ["node", "prisma_shop.cjs"],
    "drizzle": ["node", "drizzle_shop.cjs"],
    "node-postgres": ["node", "drivers.cjs"],
    "gorm": [GO, "gorm"],
    "gorm-prepared": [GO, "gorm", "prepared"],
    "bun": [GO, "bun"],
    "hibernate": [*JAVA, "Shop"],
    "pgjdbc": [*JAVA, "Driver"],
    "activerecord": ["ruby", "activerecord_shop.rb"],
}
SAME_TEXTS = {"gorm-prepared"}  # sends what another one sends, by other messages
LIMIT = 60_000  # bytes of a file


def run(name, port):
    """Runs a program in a fresh database of its own name and gives its output."""
    env = dict(os.environ, PGPORT=str(port), PGDATABASE=name, NODE_PATH=os.path.join(TOOLS, "node", "node_modules"))
    primary = dict(os.environ, PGPORT=os.environ["PGROUTE_LAB_PRIMARY_PORT"], PGDATABASE="postgres")
    subprocess.run(["psql", "-qc", f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'], env=dict(primary, PGOPTIONS="-c client_min_messages=warning"), check=True)
    subprocess.run(["createdb", name], env=primary, check=True)
    done = subprocess.run(PROGRAMS[name], cwd=HERE, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300)
    if done.returncode:
        sys.exit(f"{name} on port {port}: status {done.returncode}\n{done.stdout[-500:]}\n{done.stderr[-3000:]}")
    return done.stdout


def logged(database):
    """The texts that clients sent to a database, each once, in order."""
    head = re.compile(r"(?:duration: [0-9.]+ ms  )?(?:statement|parse [^:]+|execute (?:fetch from )?[^:]+): (.*)", re.S)
    texts = {}
    for file in sorted(glob.glob(os.environ["PGROUTE_LAB_DIR"] + "/primary/log/*.json")):
        for line in open(file, encoding="utf-8"):
            entry = json.loads(line)
            if entry.get("dbname") == database:
                for text in (entry.get("message", ""), entry.get("statement", "")):
                    if m := head.fullmatch(text):
                        texts[m[1].strip().rstrip(";")] = True
                if entry["error_severity"] == "ERROR":
                    texts[entry.get("statement", "").strip().rstrip(";")] = True
    return [t for t in texts if t and not t.startswith("\\")]


def shape(text):
    """Texts that differ in constants and lengths of lists only are one."""
    text = re.sub(r"'(?:[^']|'')*'|\b\d+\b|\$\d+", "?", text)
    return re.sub(r"(\([?,\s]*\))(?:,\s*\([?,\s]*\))*|\?(?:,\s*\?)*", "?", text)


def write(name, head, texts):
    """Writes one file of statements."""
    seen, kept, size = set(), [], 0
    for text in texts:
        if shape(text) not in seen and size + len(text) < LIMIT:
            seen.add(shape(text))
            kept.append(text)
            size += len(text.encode()) + 2
    with open(os.path.join(HERE, "..", "testdata", "orm", name + ".sql"), "w", encoding="utf-8") as f:
        f.write(f"-- What {head} sent to PostgreSQL 15; see record/README.md.\n\n")
        for text in kept:
            f.write(text + (";\n" if "--" not in text.rpartition("\n")[2] else "\n;\n"))
    print(f"{name}: {len(texts)} texts, {len(kept)} kept, {size} bytes")


def main():
    what, names = sys.argv[1], sys.argv[2:] or PROGRAMS
    differ = 0
    for name in names:
        direct = run(name, os.environ["PGROUTE_LAB_PRIMARY_PORT"])
        if what == "log":
            if name not in SAME_TEXTS:
                write(name, direct.splitlines()[0], logged(name))
            continue
        routed = run(name, os.environ["PGPORT"])
        print(f"{name}: {len(direct.splitlines())} lines, {'same' if direct == routed else 'DIFFERENT'} through pgroute")
        if direct != routed:
            differ += 1
            for a, b in zip(direct.splitlines(), routed.splitlines()):
                if a != b:
                    print("  direct:", a, "\n  routed:", b)
    sys.exit(1 if differ else 0)


main()
