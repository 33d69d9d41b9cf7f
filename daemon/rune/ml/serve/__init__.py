"""One resident base, an adapter for each row of the batch: the engine that generates tokens.

A request takes a row. ``runner`` is the loop: it admits what ``waiting`` lets through, prefills, decodes
every row at once, and ends rows; between two steps requests join and leave. ``rows`` holds the factors of
the running rows, stacked, so that one batched product serves all adapters; ``kv`` holds their keys and
values; ``pool`` keeps adapters near under one budget with them, out of files that ``packed`` owns.
``layout`` says where factors lie in either. ``sampling`` chooses tokens, ``text`` makes whole characters of
them. ``local`` is the asyncio side.

Nothing of one request's keys and values is ever used for another one, so that no adapter sees what a
different adapter made of the same prompt.
"""
