"""What users change of themselves never brings back what an administrator took from them."""

from postroom.connector.users import change_own
from postroom.organisations.models import Role, User
from tests.connector.conftest import make_person


def test_r013_saving_the_own_name_does_not_bring_a_role_back_that_was_taken_meanwhile(account, ada):
    bea = make_person(account, "Bea", Role.ADMINISTRATOR)
    as_loaded = User.objects.select_related("account").get(pk=bea.pk)
    User.objects.filter(pk=bea.pk).update(role=Role.SALES_USER, manager=ada)
    change_own(as_loaded, "Beatrice", "Europe/Berlin")
    bea.refresh_from_db()
    assert (bea.name, bea.role, bea.manager, bea.time_zone) == (
        "Beatrice",
        Role.SALES_USER,
        ada,
        "Europe/Berlin",
    )
