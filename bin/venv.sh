# Sourced by bin/start and bin/test, with $requirements set to the lists of packages. Makes and updates .venv;
# afterwards .venv/bin/python has everything. Needs a POSIX shell and Python 3.11 or newer, nothing else.

say_and_leave() {
    printf '%s\n' "$1" >&2
    exit 1
}

# Any word for a Python is tried: a name found on PATH may be a stub that only says "not found" (pyenv has those).
is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

can_make_venv() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

# Of each version the system's own, then what PATH says: Debian's is optimized as a whole when it is linked and needs no
# shared library. One that pyenv has built takes a quarter more time for all that we do.
python_names() {
    # 3.12 and 3.11 come first: for them pip also brings a Redis server.
    for name in python3.12 python3.11 python3 python3.13 python3.14; do
        case :$PATH: in *:/usr/bin:*) [ ! -x "/usr/bin/$name" ] || echo "/usr/bin/$name" ;; esac
        echo "$name"
    done
}

find_python() {
    found=
    for candidate in ${PYTHON:-$(python_names)}; do
        is_new_enough "$candidate" || continue
        [ -n "$found" ] || found=$candidate
        if can_make_venv "$candidate"; then
            found=$candidate
            return
        fi
    done
    [ -z "$found" ] || say_and_leave \
        "$found has no venv module: install it (Debian, Ubuntu: apt install python3-venv) and run this again."
    say_and_leave \
        "Timbre needs Python 3.11 or newer, and none was found: install it (Debian, Ubuntu: apt install python3 python3-venv) and run this again."
}

python=.venv/bin/python
if ! is_new_enough "$python"; then
    find_python
    python=$found
fi
# shellcheck disable=SC2086 # a list of file names of ours
"$python" -I bin/venv.py $requirements || exit 1
