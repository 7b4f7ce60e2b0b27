"""The gaze models by name, and where each is. No torch: planning reads this."""

GAZE_MODELS = {
    "vat": "gcdr.models.vat",
}
"""Name in the configuration and in ``model.json``: module that holds its ``KIND``."""

TITLES = {"vat": "VAT"}
"""As people read them."""
