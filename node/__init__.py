"""What runs: processes, sockets, clocks, files, pages, commands.

The node is the top layer. It gives the two layers below it what they may not
take themselves (the time, random bytes, files, the network) and shows to people
what they decide.

    home        the folder of one commune's node: database, keys, anchor, lock
    kept        its files in which stands what people here have chosen
    keys        the log's key and the recovery key, and the words that people write down
    clock       the one place that asks for the time, and when it is not believed
    service     an open home, and the one way in which anything is signed in it
    refusals    what a commune may not sign or erase, said before anything is
    shown       the heads that a record names as seen
    opening     opening a home for a command, to read or to sign
    founding    how a commune begins
    beginnings  the same in a running node, from the words that are shown to those typed back
    typed       what people type: quantities, units, categories, dates
    wishes      records as people and programs ask for them, in plain fields
    proposals   proposals as people give them: things, listings, files
    moves       which transfer, amount or dispute is meant where a person leaves it open
    selection   which listings are meant by what somebody chose
    looks       which names look the same
    petnames    what people here call other communes
    overview    what is put together to be shown: listings, what was said, accounts
    shapes      the same as JSON, for commands and the API
    language    which language is spoken, and the texts in it
    wording     amounts, times, ids and states in words
    telling     records, transfers and steps as sentences
    findings    what an audit found, in words
    entries     one entry as it is, with its proof
    visible     text without what shows nothing
    bundles     writing what is held into a file, and taking in what a file holds
    exports     the same for spreadsheets and other programs: CSV, JSON lines, Valueflows
    columns     what the columns of tables are called, in both languages
    sheets      a table of listings as a spreadsheet saves it, read
    batches     listings from such a table, posted together or not at all
    outgoing    files that are put in their place once they are whole
    blobs       photos, by their hash, under a quota
    intake      what becomes of each thing that comes out of a file, and the report of it
    sending     a file as the answer to a request
    imported    the report of it in words
    company     which other nodes this one may meet, and whom it lets in
    addresses   where nodes can be called, as people type it
    addressbook  the addresses that somebody here gave, kept in a file
    named       the nodes at these addresses, called and told of
    around      the nodes that are announced on the local networks, met as well
    meeting     when each of them is tried
    tending     which links have come to rest, and which end for others
    circle      what is told of them
    choice      with whom it stays linked, and who is visited in turn
    backoff     whom to leave alone, and for how long
    door        who of those that knock is let in
    links       all sessions, over WebSockets, and what the rest of the node asks of them
    watch       who is told of what happens on links
    speaking    what goes out over all links, in which order
    farewells   which links this side ends, and what is noted of how they end
    ends        this end of a link, and which of two with one neighbour ends
    storing     what came over all links, stored in the order in which it came
    holdings    what gossip asks of the ledger, answered from the database
    photos      fetched from neighbours, and given to them
    hearsay     addresses that neighbours tell, judged before anybody calls there
    calling     which of these nodes are called, and where this one says that it is
    places      where this node lets itself be sent
    lending     which photos are given to neighbours, and kept of theirs
    deeds       what gossip wants to have done: runs and evidence verified and stored
    admission   which logs of others a home takes in
    following   the same in a running node, looked at again as it changes
    rations     what is held of them, counted
    unknown     the newest heads of those it does not
    shares      what that comes to, told
    quotas      how much of them, and at whose introduction
    backup      a home in a file, and a commune brought back from it
    reopening   the new log of such a home, opened once it has all signatures
    sealed      a stream of bytes under a password
    requests    records that several keys have to sign
    authority   changing who speaks for a commune
    codes       receipts as codes on paper, and read back from photos
    receipts    making the receipt of an exchange from what is held
    verifying   the receipt in what somebody gives, and what it shows
    upkeep      making the views anew
    app         the node process: its listeners, how it starts and stops
    resident    the node in a home, from before there is a commune until it is told to stop
    custody     the open home of a running node, and the threads that may touch it
    storage     what the running node remembers beside the ledger, lost without harm
    matching    which listings of others meet this commune's own, and why
    charts      exchanges counted over time, and who exchanges with whom
    statements  what came in and went out in a period
    auditing    an audit that the running node does
    aside       questions that take long, asked beside the others
    copies      bundles and backups as files for whoever asks the running node
    repeated    whether the same was recorded a moment ago
    once        what is asked under a key, done once
    noticing    what others have done that somebody here should know of
    pictures    a photo as it is kept: small, and without what it betrays
    parts       what a node is put together from beside that: gossip, discovery
    ensemble    all of these at once
    settings    what the operator decides, in a file or on the command line
    running     how a home tells that a node runs in it
    listener    who may connect at all, and how long they may take
    people      the people's listener: who may ask it
    whence      from where somebody connects, and by which names
    lan         whether the pages are heard on the local network
    reach       at which addresses phones there find them
    entrance    who comes in from there, by a password and a session
    attempts    how long those wait who guess
    access      what is remembered of that
    api         what programs and commands ask a running node to do
    answers     errors and reports as JSON
    remote      a command's writes, done by a running node
    web         what a browser is shown
    state       how a home and its node are
    reporting   the same in words
    figures     what is counted and measured
    journal     what a running node says of itself on standard error
    support     what somebody who helps from afar needs to know, as a text to copy
    systemd     telling the supervisor, and the unit
    discovery   finding other nodes on the local networks, and being found
    neighbours  which nodes are announced there at this time
    hints       what a node says of itself there, and what another's words are worth
    presence    speaking multicast DNS, as long as the network stays the same
    interfaces  which network interfaces are used, and what it means that they changed
    adapters    asking the system for them
    demo        a whole network on one computer, to look at and to measure
    errors      every error that is the node's own
    limits      every limit, with its unit and its reason
    cli         the command `trueque`
"""
