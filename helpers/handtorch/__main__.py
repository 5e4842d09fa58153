"""Run a program, or a Jupyter kernel, in which `import torch` means handtorch.

python -m helpers.handtorch SCRIPT [ARG...]      run a script ("-" reads it from standard input)
python -m helpers.handtorch -c CODE [ARG...]     run code given here
python -m helpers.handtorch -m MODULE [ARG...]   run a module
python -m helpers.handtorch --install-kernel [PREFIX]   let Jupyter offer the kernel "handtorch"
"""

import sys

import helpers.handtorch.standin as standin


def main(arguments: list[str]) -> None:
    """Do what the command line asks; `sys.argv` becomes what the program expects to find there."""
    first, *rest = arguments or ["--help"]
    if first in ("-h", "--help"):
        print(__doc__.strip())
    elif first == "--install-kernel":
        print(f"Jupyter will offer the kernel 'handtorch' from {standin.install_kernel(*rest[:1])}")
    elif first == "--kernel":
        standin.start_kernel(rest)
    elif first in ("-c", "-m"):
        if not rest:
            sys.exit(f"Argument expected for the {first} option: python -m helpers.handtorch {first} …")
        sys.argv = [first, *rest[1:]]
        sys.path.insert(0, "")
        (standin.run_code if first == "-c" else standin.run_module)(
            *([rest[0], "<string>"] if first == "-c" else rest[:1])
        )
    elif first == "-":
        sys.argv = arguments
        standin.run_code(sys.stdin.read(), "<stdin>")
    elif first.startswith("-"):
        sys.exit(f"unknown option {first}: python -m helpers.handtorch --help lists what there is")
    else:
        sys.argv = arguments
        try:
            standin.run_file(first)
        except OSError as error:
            sys.exit(f"can't open file '{first}': {error.strerror}; give the path of a Python script")


if __name__ == "__main__":
    main(sys.argv[1:])
