/** Microsoft's own parser of the Kusto Query Language, told of the tables of Log Analytics that the queries ask. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { runInThisContext } from 'node:vm';

/** Columns by Microsoft's reference of the Azure Monitor tables; those that the queries use, and a few more. */
const tables = {
  AppTraces:
    '(TimeGenerated:datetime, Message:string, SeverityLevel:int, OperationName:string, OperationId:string, AppRoleName:string, AppRoleInstance:string, Properties:dynamic, ItemCount:int, _ResourceId:string)',
  AppRequests:
    '(TimeGenerated:datetime, Name:string, Success:bool, ResultCode:string, DurationMs:real, OperationName:string, OperationId:string, AppRoleName:string, ItemCount:int, _ResourceId:string)',
  AzureActivity:
    '(TimeGenerated:datetime, Caller:string, OperationNameValue:string, ActivityStatusValue:string, CorrelationId:string, ResourceGroup:string, SubscriptionId:string, _ResourceId:string)',
};

interface Diagnostic {
  Code: string;
  Message: string;
}

interface Kusto {
  Symbols: {
    TableSymbol: { From(columns: string): { WithName(name: string): unknown } };
    DatabaseSymbol: { ctor: new (name: string, tables: unknown[]) => unknown };
  };
  GlobalState: { Default: { WithDatabase(database: unknown): unknown } };
  KustoCode: {
    ParseAndAnalyze(
      query: string,
      globals: unknown,
    ): { GetDiagnostics(): { Count: number; getItem(index: number): Diagnostic } };
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

/** Both files are scripts that put names into the global scope; the package's own entry loads the second without the first. */
function load() {
  const { resolve } = createRequire(import.meta.url);
  for (const file of ['bridge.min.js', 'Kusto.Language.Bridge.min.js']) {
    const path = resolve(`@kusto/language-service-next/${file}`);
    runInThisContext(readFileSync(path, 'utf8'), path);
  }
  const kusto = (globalThis as unknown as { Kusto: { Language: Kusto } }).Kusto.Language;
  const symbols = Object.entries(tables).map(([name, columns]) =>
    kusto.Symbols.TableSymbol.From(columns).WithName(name),
  );
  const database = new kusto.Symbols.DatabaseSymbol.ctor('workspace', symbols);
  return { kusto, globals: kusto.GlobalState.Default.WithDatabase(database) };
}
