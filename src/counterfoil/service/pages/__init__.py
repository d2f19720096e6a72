"""The pages: addresses, views, presenters, templates, style. Reads by queries, writes by actions."""
