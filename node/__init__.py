"""What runs: processes, sockets, clocks, files, pages, commands.

The node is the top layer. It gives the two layers below it what they may not
take themselves (the time, random bytes, files, the network) and shows to people
what they decide.

    bundles     writing what is held into a file, and taking in what a file holds
    intake      what becomes of each thing that comes out of a file, and the report of it
    admission   which logs of others a home takes in
    errors      every error that is the node's own
    limits      every limit, with its unit and its reason
    cli         the command `trueque`
"""
