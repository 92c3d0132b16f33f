"""The network as one readable Python file that needs torch alone. Written without torch."""
