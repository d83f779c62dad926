#!/usr/bin/env node
/** `npx sallyport` in the repository: the client as it is written. */
import { register } from 'tsx/esm/api';

register();
await import('./cli.ts');
