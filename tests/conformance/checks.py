# SPDX-License-Identifier: Apache-2.0
"""All items, in the order of the chapters."""
# To read them is to list them.
import checks_general  # noqa: F401
import checks_errors  # noqa: F401
import checks_directory  # noqa: F401
import checks_maps  # noqa: F401
import checks_filters  # noqa: F401
import checks_endpoints  # noqa: F401
from suite import ITEMS  # noqa: F401
