"""Running what students wrote, shut in. Nothing here reads a salt or an answer."""
