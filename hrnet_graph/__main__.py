"""`python -m hrnet_graph` is `hrnet-graph`."""

from hrnet_graph.cli.main import main

if __name__ == "__main__":
    main()
