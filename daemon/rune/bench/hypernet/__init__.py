"""``rune bench hypernet``: is the network computed right, how fast is it, and what do its adapters know?"""
