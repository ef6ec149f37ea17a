"""Systems Manager documents: content, versions, Distributor attachments, sharing. The engine is `service.Documents`."""
