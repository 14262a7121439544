"""The account's first administrator, who cannot be invited by anyone."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from postroom.errors import Misconfigured
from postroom.mail.addresses import canonical_domain
from postroom.organisations.models import Account, Role, User


@transaction.atomic
def add_administrator(email: str, name: str, password: str, company: str, domains: list[str]) -> User:
    """Make the account, where there is none of that name, and an administrator of it.

    Raises ``Misconfigured`` with what is wrong; nothing is made then.
    """
    mail_domains = [canonical_domain(domain) for domain in domains]
    if not all(mail_domains):
        raise Misconfigured(f"{', '.join(domains)}: every mail domain must be one, such as company.example.")
    if User.objects.filter(email__iexact=email).exists():
        raise Misconfigured(f"There is a user {email} already.")
    try:
        validate_email(email)
        validate_password(password)
    except ValidationError as error:
        raise Misconfigured(" ".join(error.messages)) from error
    account, _ = Account.objects.get_or_create(name=company, defaults={"domains": mail_domains})
    return User.objects.create_user(
        email, password, account=account, name=name or email, role=Role.ADMINISTRATOR
    )
