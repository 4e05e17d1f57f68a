/**
 * What arithmetics and providers are tried on: programs and prose as they come in a workspace, of a line to a
 * page, so that short and long inputs, rare tokens and repeated ones all count.
 */
export const SAMPLE_TEXTS: readonly string[] = [
  'where is the retry delay computed',
  'parse command line arguments and print the usage when one is unknown',
  'class ConnectionPool keeps idle sockets and closes them after a timeout',
  'SELECT name, count(*) FROM orders WHERE created_at > :since GROUP BY name ORDER BY 2 DESC;',
  'src/http/retry.ts\nexport async function withRetry<T>(task: () => Promise<T>, attempts = 3): Promise<T> {\n  for (let attempt = 1; ; attempt++) {\n    try {\n      return await task();\n    } catch (error) {\n      if (attempt >= attempts) throw error;\n      await sleep(100 * 2 ** attempt + Math.random() * 50);\n    }\n  }\n}',
  'app/models/invoice.py\nclass Invoice(Model):\n    """A bill sent to a customer, with its lines and taxes."""\n\n    def total(self) -> Decimal:\n        net = sum(line.quantity * line.price for line in self.lines)\n        return (net * (1 + self.tax_rate)).quantize(Decimal("0.01"))\n\n    def is_overdue(self, today: date) -> bool:\n        return self.paid_at is None and today > self.due_on',
  'internal/cache/lru.go\nfunc (c *Cache) Get(key string) (Value, bool) {\n\tc.mu.Lock()\n\tdefer c.mu.Unlock()\n\telement, ok := c.items[key]\n\tif !ok {\n\t\tc.misses++\n\t\treturn nil, false\n\t}\n\tc.order.MoveToFront(element)\n\tc.hits++\n\treturn element.Value.(*entry).value, true\n}',
  "src/parser/lexer.rs\nfn skip_comment(&mut self) -> Result<(), LexError> {\n    let start = self.position;\n    while let Some(c) = self.next_char() {\n        if c == '*' && self.peek() == Some('/') {\n            self.next_char();\n            return Ok(());\n        }\n    }\n    Err(LexError::UnterminatedComment { start })\n}",
  'docs/operations/backup.md\n## Restoring a backup\n\nStop the service first: a restore into a running database loses the writes that arrive meanwhile. Copy the archive to the data folder, check its hash against the list beside it, unpack it, and start the service with the option that makes it verify every table. Expect about ten minutes for a hundred gigabytes. When the check reports a table as damaged, restore the archive of the day before and replay the journal from there.',
  'charts/web/values.yaml\nreplicaCount: 2\nimage:\n  repository: registry.example/web\n  tag: 1.4.2\nresources:\n  limits:\n    cpu: 500m\n    memory: 256Mi\nlivenessProbe:\n  httpGet:\n    path: /healthz\n    port: 8080\n  initialDelaySeconds: 5\nautoscaling:\n  enabled: true\n  minReplicas: 2\n  maxReplicas: 10\n  targetCPUUtilizationPercentage: 70',
  'lib/geometry/polygon.cpp\ndouble signedArea(const std::vector<Point>& corners) {\n  double twice = 0;\n  for (size_t i = 0, n = corners.size(); i < n; ++i) {\n    const Point& a = corners[i];\n    const Point& b = corners[(i + 1) % n];\n    twice += a.x * b.y - b.x * a.y;\n  }\n  return twice / 2;\n}\n\nbool isClockwise(const std::vector<Point>& corners) { return signedArea(corners) < 0; }',
  'test/date.test.js\ntest("adds a month to the last day of January", () => {\n  expect(addMonths("2024-01-31", 1)).toBe("2024-02-29");\n  expect(addMonths("2023-01-31", 1)).toBe("2023-02-28");\n  expect(addMonths("2023-01-31", 13)).toBe("2024-02-29");\n});\n\ntest("refuses what is no date", () => {\n  expect(() => addMonths("yesterday", 1)).toThrow(RangeError);\n});',
];

/** The first so many are short: enough to see whether a device is slow beyond hope. */
export const SHORT_SAMPLE_COUNT = 3;
