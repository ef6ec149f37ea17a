"""The rim: HTTP, processes, the wall clock and the command line. The only sockets and threads of localorg live here."""
