"""One module a page. A view reads by queries, writes by actions, and shows a template."""
