"""What runs: processes, sockets, clocks, files, pages, commands.

The node is the top layer. It gives the two layers below it what they may not
take themselves (the time, random bytes, files, the network) and shows to people
what they decide.

    cli         the command `trueque`
"""
