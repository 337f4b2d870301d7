"""Maps as STAC 1.1: an item in each map folder, a collection at the root of the archive."""

from deepsalt.mapping.stac.collection import check_free, write_collection
from deepsalt.mapping.stac.item import ITEM, missing_for_item, write_item

__all__ = ["ITEM", "check_free", "missing_for_item", "write_collection", "write_item"]
