"""Currencies: how many decimal places each has, by ISO 4217, and amounts written with them.

CLDR, which formats texts for people, drops decimals that are hardly used. A debt has them.
"""

from decimal import Decimal

_DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"), 0),
    **dict.fromkeys(("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
"""ISO 4217, list one, "Minor unit", of the currencies that have other than two."""

_SMALLEST = {digits: Decimal(1).scaleb(-digits) for digits in (0, 2, 3, 4)}


def digits_of(currency: str) -> int:
    """The decimal places of a currency; two if it is not known."""
    return _DIGITS.get(currency, 2)


def smallest_of(currency: str) -> Decimal:
    """The smallest amount of a currency, such as 0.01."""
    return _SMALLEST[digits_of(currency)]


def decimal_string(amount: Decimal, currency: str | None = None) -> str:
    """With the places of the currency, two if it is not said, and more where there are more:
    `1000.00`, `0.125`, `1000` in JPY."""
    places = digits_of(currency) if currency else 2
    exact = f"{amount.normalize():f}"
    return f"{amount:.{places}f}" if len(exact.partition(".")[2]) < places else exact
