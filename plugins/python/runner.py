# The half of weft's plugin `python` that runs in the task's interpreter, Python 3.7 and later.
#
# It comes by stdin with the job behind it, so that no argument of the task, which may hold a
# secret, is on a disk or in an argv. What it imports comes from the standard library, whatever the
# user's files are called: it starts in the scratch folder, and the working directory enters
# sys.path after that.
import sys

if sys.path and sys.path[0] == "":
    del sys.path[0]

import importlib.util
import json
import linecache
import os
import symtable
import traceback

PID = os.getpid()  # a child that the user's code forks and lets return must leave no result


MAX_DEPTH = 1000  # how deep a value may nest: what weft's expressions can read back


class Refused(Exception):
    """A failure that is not an exception of the user's code."""

    def __init__(self, kind, text, hint=""):
        Exception.__init__(self, text)
        self.kind, self.hint = kind, hint


def settle_in(job):
    """Makes the process look as if Python had started the user's script."""
    for name in ("os", "d"):  # of the line that started us
        main_module.__dict__.pop(name, None)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    if sys.version_info < (3, 7):
        raise Refused("bad_input", "cannot run on Python %d.%d: 3.7 or later is needed" % sys.version_info[:2])
    try:
        os.chdir(job["dir"])
    except OSError as e:
        raise Refused("bad_input", "cannot enter working directory %s: %s" % (job["dir"], e.strerror)) from None
    for stream in (sys.stdout, sys.stderr):  # a log is UTF-8, whatever the locale; print never fails
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    sys.path.insert(0, job["dir"])
    if job.get("file"):
        sys.path.insert(0, os.path.dirname(job["file"]))
    sys.argv = [job.get("file") or job.get("callable") or "<code>"]


def read_source(job):
    if not job.get("file"):
        lines = job["code"].splitlines(True)
        linecache.cache["<code>"] = (len(job["code"]), None, lines, "<code>")
        return job["code"], "<code>"
    try:
        with open(job["file"], "rb") as f:
            data = f.read()
    except OSError as e:
        text = "cannot read %s: %s" % (job["file"], e.strerror)
        raise Refused("bad_input", text) from None
    try:
        return importlib.util.decode_source(data), job["file"]
    except (SyntaxError, UnicodeDecodeError):
        text = "cannot read %s: it is not in UTF-8, nor in an encoding that it declares" % job["file"]
        raise Refused("bad_input", text) from None


def defines_main(source, name):
    table = symtable.symtable(source, name, "exec")
    if "main" not in table.get_identifiers():
        return False
    main = table.lookup("main")
    return main.is_assigned() or main.is_imported() or main.is_namespace()


def run_script(job):
    """Runs a script; returns its main, None if it has none.

    A script that defines main goes by the name that multiprocessing gives to a main module which
    it loads again: `if __name__ == "__main__": main()` must not call it a second time, and what
    such a module defines can be pickled.
    """
    source, name = read_source(job)
    code = compile(source, name, "exec", dont_inherit=True)
    has_main = defines_main(source, name)
    space = main_module.__dict__
    if job.get("file"):
        space["__file__"] = name
    if has_main:
        space["__name__"] = "__mp_main__"
        sys.modules["__mp_main__"] = main_module
    exec(code, space)
    main = space.get("main")
    return main if has_main and callable(main) else None


def find_callable(job):
    name, _, path = job["callable"].partition(":")
    try:
        __import__(name)
    except ModuleNotFoundError as e:
        if not e.name or not (name + ".").startswith(e.name + "."):
            raise
        text = "cannot import %s: there is no module %s" % (name, e.name)
        raise Refused("bad_input", text, "modules are looked for in %s first" % job["dir"]) from None
    found = sys.modules[name]
    for part in path.split("."):
        if not hasattr(found, part):
            raise Refused("bad_input", "cannot call %s: %s has no %s" % (job["callable"], name, path))
        found = getattr(found, part)
    if not callable(found):
        text = "cannot call %s: it is no function, but of type %s" % (job["callable"], type_name(found))
        raise Refused("bad_input", text)
    return found


def call(function, args):
    try:
        value = function(**args) if isinstance(args, dict) else function(*(args or ()))
    except TypeError as e:
        if e.__traceback__.tb_next is None:  # the call itself, not something within
            raise Refused("bad_input", "cannot call the function: %s" % e, "see args") from None
        raise
    if type(value).__name__ == "coroutine":
        import asyncio

        value = asyncio.run(value)
    return value


def work(job):
    """Does the task; returns whether there is a return value, and that."""
    settle_in(job)
    if job.get("callable"):
        function = find_callable(job)
    else:
        function = run_script(job)
        if function is None:
            if job.get("args"):
                raise Refused("bad_input", "cannot pass args: the script defines no function main")
            return False, None
    return True, call(function, job.get("args"))


def type_name(value):
    kind = type(value)
    if kind.__module__ in ("builtins", "__main__", "__mp_main__", None):
        return kind.__qualname__
    return kind.__module__ + "." + kind.__qualname__


HINTS = {
    "datetime.timedelta": "its total_seconds() are a number",
    "bytes": "decode() makes a text of it",
    "bytearray": "decode() makes a text of it",
    "generator": "list() makes a list of it",
    "range": "list() makes a list of it",
}


def place(at):
    return "".join("[%s]" % (json.dumps(k, ensure_ascii=False) if isinstance(k, str) else k) for k in at)


def unfit(at, what, hint=""):
    where = "it" if not at else "its " + place(at)
    return Refused("remote", "cannot take the return value: %s is %s" % (where, what), hint)


def is_a(value, module, *names):
    """Whether a value is of a class of a module that may not even be loaded."""
    loaded = sys.modules.get(module)
    return any(isinstance(value, getattr(loaded, n, ())) for n in names) if loaded else False


def as_text(value):
    """The text that stands for a value which JSON lacks; None if there is none.

    A Decimal is text because readers of JSON make binary fractions of its numbers."""
    if is_a(value, "datetime", "date", "time"):  # a datetime is a date
        return value.isoformat()
    if is_a(value, "decimal", "Decimal") and value.is_finite() or is_a(value, "uuid", "UUID"):
        return str(value)
    return None


def plain(value, at, within):
    """Makes of a value what JSON holds; `at` is the way to it, `within` what it stands in."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        text = str.__str__(value)  # not an enum's name
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise unfit(at, "text with half of a surrogate pair, which no UTF-8 can hold") from None
        return text
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        number = float(value)
        if number != number or number in (float("inf"), float("-inf")):
            raise unfit(at, "%s, which JSON does not have" % ("NaN" if number != number else "infinite"), "None becomes null")
        return number
    if isinstance(value, (dict, list, tuple, set, frozenset)):
        if len(at) >= MAX_DEPTH:
            raise Refused("remote", "cannot take the return value: it nests too deep: at most %d levels" % MAX_DEPTH)
        if id(value) in within:
            raise unfit(at, "a %s that holds itself" % type_name(value))
        within.add(id(value))
        try:
            return plain_map(value, at, within) if isinstance(value, dict) else plain_list(value, at, within)
        finally:
            within.discard(id(value))
    text = as_text(value)
    if text is None:
        name = type_name(value)
        raise unfit(at, "of type %s, which JSON cannot hold" % name, HINTS.get(name, "make it a text, number, list or dict"))
    return text


def plain_list(value, at, within):
    if isinstance(value, (set, frozenset)):  # in an order of its own, so that two runs agree
        items = [plain(v, at, within) for v in value]
        try:
            return sorted(items)
        except TypeError:
            return sorted(items, key=json.dumps)
    return [plain(v, at + [i], within) for i, v in enumerate(value)]


def plain_map(value, at, within):
    result = {}
    for key, v in value.items():
        name = key
        if isinstance(key, int) and not isinstance(key, bool):
            name = str(int(key))
        elif not isinstance(key, str):
            name = as_text(key)
        if name is None:
            raise unfit(at, "a dict with a key of type %s, which JSON cannot hold" % type_name(key), "make it a text")
        name = plain(name, at, within)
        if name in result:
            raise unfit(at, "a dict in which two keys become %s" % json.dumps(name, ensure_ascii=False))
        result[name] = plain(v, at + [name], within)
    return result


def encode(value):
    # Frames enough for the depth that is allowed, whatever the user's code has set.
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 10 * MAX_DEPTH))
    try:
        text = json.dumps(plain(value, [], set()), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except RecursionError:
        raise Refused("remote", "cannot take the return value: it nests too deep") from None
    except ValueError as e:  # an integer of too many digits
        raise Refused("remote", "cannot take the return value: %s" % e) from None
    return text.encode("utf-8")


def give(job, value):
    data = encode(value)
    try:
        if os.path.lexists(job["output"]):
            os.unlink(job["output"])  # a return value counts, not what the script wrote, or made, there
        with open(job["output"], "wb") as f:
            f.write(data)
    except OSError as e:
        raise Refused("temporary", "cannot write the return value: %s" % e.strerror) from None


def note(job, kind, text, hint=""):
    """Leaves word of a failure for weft, whose message it becomes."""
    try:
        with open(job["failure"], "w") as f:
            json.dump({"kind": kind, "text": text, "hint": hint}, f)
    except OSError:
        pass  # a full disk: the exit status tells the rest


def headline(error):
    """The line that says what an exception was: "ValueError: no such day"."""
    try:
        said = place_of_syntax(error) if isinstance(error, SyntaxError) else str(error)
        lines = str(said).strip().splitlines()
    except Exception:
        lines = ["<no text>"]
    text = type_name(error)
    if lines:
        text += ": " + lines[0].strip()
    return text + " …" if len(lines) > 1 else text


def place_of_syntax(error):
    """What is wrong with the code, and where: "invalid syntax (code, line 2)"."""
    if not error.lineno or not error.filename:
        return error.msg
    name = "code" if error.filename == "<code>" else error.filename
    return "%s (%s, line %d)" % (error.msg, name, error.lineno)


def kind_of(error):
    """Code that cannot be read will not be read the next time. What the code itself compiles, or
    reads as Python, is another matter."""
    if isinstance(error, SyntaxError) and users_part(error.__traceback__) is None:
        return "bad_input"
    return "temporary"


def users_part(tb):
    """A traceback without the frames that are ours, or of what runs a coroutine for us."""
    while tb is not None:
        space = tb.tb_frame.f_globals
        if space is not globals() and not space.get("__name__", "").startswith("asyncio."):
            return tb
        tb = tb.tb_next
    return None


def show(error):
    error = error.with_traceback(users_part(error.__traceback__))
    if sys.excepthook is not sys.__excepthook__:  # the user's own way to report, as at the end of a script
        sys.excepthook(type(error), error, error.__traceback__)
        return
    traceback.print_exception(type(error), error, error.__traceback__)


def run(job):
    """Does the task to its end; returns the exit status."""
    try:
        given, value = work(job)
        if given and os.getpid() == PID:
            give(job, value)
        return 0
    except SystemExit as e:
        if isinstance(e.code, str) and e.code and os.getpid() == PID:
            note(job, "temporary", e.code.strip().splitlines()[0] if e.code.strip() else "")
        raise
    except Refused as e:
        if os.getpid() == PID:
            note(job, e.kind, str(e), e.hint)
    except BaseException as e:
        show(e)
        if os.getpid() == PID:
            note(job, kind_of(e), headline(e))
    return 1


def start(data):
    limit = getattr(sys, "get_int_max_str_digits", int)()
    if limit:
        sys.set_int_max_str_digits(0)  # weft has bounded the whole already
    try:
        task = json.loads(data.decode("utf-8"))
    except RecursionError:
        sys.exit("cannot pass args: they nest too deep")
    if limit:
        sys.set_int_max_str_digits(limit)
    return run(task)


main_module = sys.modules["__main__"]
status = start(job)  # noqa: F821; put here by the line that started us
if status:
    sys.exit(status)
