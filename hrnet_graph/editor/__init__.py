"""One spec, edited in a page of the browser: `hrnet-graph edit`."""
