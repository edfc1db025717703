"""Embeds, indexes and finds: immutable index generations, dense and keyword search, their fusion."""
