"""Secrets are sealed, keys rotate, and a wrong key is told in words."""

import os
import stat

import pytest

from postroom.errors import Misconfigured
from postroom.vault.secrets import Sealer, load_sealer, new_key


def test_what_is_sealed_is_unseen_and_comes_back():
    sealer = Sealer([new_key()])
    sealed = sealer.seal({"refresh_token": "1//abc"})
    assert b"abc" not in sealed
    assert sealer.unseal(sealed) == {"refresh_token": "1//abc"}


def test_an_old_key_still_opens_and_resealing_moves_to_the_new_one():
    old, new = new_key(), new_key()
    sealed = Sealer([old]).seal({"a": 1})
    both = Sealer([new, old])
    assert both.unseal(sealed) == {"a": 1}
    assert Sealer([new]).unseal(both.reseal(sealed)) == {"a": 1}


def test_a_secret_of_another_key_is_refused_with_what_to_do():
    sealed = Sealer([new_key()]).seal({"a": 1})
    with pytest.raises(Misconfigured, match="POSTROOM_SECRET_KEYS"):
        Sealer([new_key()]).unseal(sealed)


@pytest.mark.parametrize("keys", [[], ["short"], ["é" * 44]])
def test_a_bad_key_is_refused(keys):
    with pytest.raises(Misconfigured):
        Sealer(keys)


def test_the_key_file_is_made_once_and_for_its_owner_alone(home, monkeypatch):
    monkeypatch.delenv("POSTROOM_SECRET_KEYS", raising=False)
    sealed = load_sealer(home).seal({"a": 1})
    assert load_sealer(home).unseal(sealed) == {"a": 1}
    assert stat.S_IMODE(os.stat(home / "secret-keys").st_mode) == 0o600
