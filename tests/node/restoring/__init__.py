"""Communes whose home was lost, copied or stolen while their neighbours' nodes were running."""
