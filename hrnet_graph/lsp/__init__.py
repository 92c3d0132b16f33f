"""The language server: what `language` answers, in the words of the Language Server Protocol."""

from hrnet_graph.extras import require

require("lsp", "the language server")
