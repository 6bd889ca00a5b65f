"""The tests, one package a layer, one file a module; names are sentences."""
