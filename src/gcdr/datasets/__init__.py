"""Raw data sets to manifests."""
