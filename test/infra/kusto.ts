/** Microsoft's own parser of the Kusto Query Language, told of the tables of Log Analytics that the queries ask. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { runInThisContext } from 'node:vm';
import { z } from 'zod';
import { snapshotOf, theOnly } from './snapshots.ts';

/** Columns by Microsoft's reference of the Azure Monitor tables; those that the queries use, and a few more. */
const tables = {
  AppTraces:
    '(TimeGenerated:datetime, Message:string, SeverityLevel:int, OperationName:string, OperationId:string, AppRoleName:string, AppRoleInstance:string, Properties:dynamic, ItemCount:int, _ResourceId:string)',
  AppRequests:
    '(TimeGenerated:datetime, Name:string, Success:bool, ResultCode:string, DurationMs:real, OperationName:string, OperationId:string, AppRoleName:string, ItemCount:int, _ResourceId:string)',
  AzureActivity:
    '(TimeGenerated:datetime, Caller:string, OperationNameValue:string, ActivityStatusValue:string, CorrelationId:string, ResourceGroup:string, SubscriptionId:string, _ResourceId:string)',
  // A view of the workspace's own events.
  _LogOperation:
    '(TimeGenerated:datetime, Category:string, Operation:string, Level:string, Detail:string, _ResourceId:string)',
  // Of Azure Resource Graph, which takes a part of the language.
  resources:
    '(id:string, name:string, type:string, resourceGroup:string, subscriptionId:string, properties:dynamic)',
};

/** The table of the audit as the template makes it. */
function auditTable(): string {
  const table = theOnly(snapshotOf('everything'), 'Microsoft.OperationalInsights/workspaces/tables');
  const { schema } = z
    .object({
      schema: z.object({
        name: z.literal('SallyportAudit_CL'),
        columns: z.array(z.object({ name: z.string(), type: z.string() })),
      }),
    })
    .parse(table.properties);
  return `(${schema.columns.map(({ name, type }) => `${name}:${type}`).join(', ')})`;
}

interface Diagnostic {
  Code: string;
  Message: string;
}

/** A part of a query as the parser understood it. */
export interface SyntaxNode {
  readonly Kind: number;
  readonly ChildCount: number;
  GetChild(index: number): SyntaxNode | null;
  toString(): string;
}

interface Kusto {
  Syntax: { SyntaxKind: Record<string, number> };
  Symbols: {
    TableSymbol: { From(columns: string): { WithName(name: string): unknown } };
    DatabaseSymbol: { ctor: new (name: string, tables: unknown[]) => unknown };
  };
  GlobalState: { Default: { WithDatabase(database: unknown): unknown } };
  KustoCode: {
    ParseAndAnalyze(
      query: string,
      globals: unknown,
    ): { Syntax: SyntaxNode; GetDiagnostics(): { Count: number; getItem(index: number): Diagnostic } };
  };
}

let loaded: { kusto: Kusto; globals: unknown } | undefined;

/** What is wrong with a query: its syntax, tables, columns and functions. Types are not compared. */
export function problemsOf(query: string): string[] {
  const { kusto, globals } = (loaded ??= load());
  const found = kusto.KustoCode.ParseAndAnalyze(query, globals).GetDiagnostics();
  return Array.from({ length: found.Count }, (_, index) => {
    const { Code, Message } = found.getItem(index);
    return `${Code} ${Message}`;
  });
}

/** The whole of a query, and by their number the names of the kinds of its parts. */
export function syntaxOf(query: string): { root: SyntaxNode; kinds: ReadonlyMap<number, string> } {
  const { kusto, globals } = (loaded ??= load());
  const kinds = new Map(Object.entries(kusto.Syntax.SyntaxKind).map(([name, number]) => [number, name]));
  return { root: kusto.KustoCode.ParseAndAnalyze(query, globals).Syntax, kinds };
}

/** Both files are scripts that put names into the global scope; the package's own entry loads the second without the first. */
function load() {
  const { resolve } = createRequire(import.meta.url);
  for (const file of ['bridge.min.js', 'Kusto.Language.Bridge.min.js']) {
    const path = resolve(`@kusto/language-service-next/${file}`);
    runInThisContext(readFileSync(path, 'utf8'), path);
  }
  const kusto = (globalThis as unknown as { Kusto: { Language: Kusto } }).Kusto.Language;
  const symbols = Object.entries({ ...tables, SallyportAudit_CL: auditTable() }).map(([name, columns]) =>
    kusto.Symbols.TableSymbol.From(columns).WithName(name),
  );
  const database = new kusto.Symbols.DatabaseSymbol.ctor('workspace', symbols);
  return { kusto, globals: kusto.GlobalState.Default.WithDatabase(database) };
}
