"""What the program is made of."""
import subprocess

from conftest import STRATA


def test_the_program_links_no_gpl_library():
    libraries = subprocess.run(["ldd", STRATA.resolve()], capture_output=True, text=True, check=True).stdout
    assert "libsqlite3" in libraries and "poppler" not in libraries
