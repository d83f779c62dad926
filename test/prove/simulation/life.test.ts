import { describe, expect, it } from 'vitest';
import { live } from './life.ts';
import { shapes } from './shapes.ts';

describe('a life to which nothing happens', () => {
  const opened = ['opening', 'active'];
  const closed = ['closing', 'closed'];
  const journals: [string, string[]][] = [
    ['plain', [...opened, ...closed]],
    ['revoked', [...opened, ...closed]],
    ['approved', ['pending', 'approved', 'approved', ...opened, ...closed]],
    ['extended', [...opened, 'extended', ...closed]],
    [
      'extended with approval',
      [
        ...['pending', 'approved', ...opened],
        ...['extension-requested', 'extension-approved', 'extended', ...closed],
      ],
    ],
    ['later', ['scheduled', ...opened, ...closed]],
    ['behind a baseline', [...opened, ...closed]],
    [
      'all of it',
      [
        ...['pending', 'approved', 'approved', 'scheduled', ...opened],
        ...['extension-requested', 'extension-approved', 'extension-approved', 'extended', ...closed],
      ],
    ],
  ];

  it('is told of here for every shape', () => {
    expect(journals.map(([name]) => name)).toEqual(shapes.map(({ name }) => name));
  });

  it.each(journals)('is what its shape says: %s', async (name, journal) => {
    const shape = shapes.find((one) => one.name === name);
    const { broken, events, baselines } = await live({ ...shape, onDeath: 'task failed' });

    expect(broken).toEqual([]);
    expect(events).toEqual(journal);
    // In the subnet's NSG and in the interface's.
    const times = shape?.baseline === true ? 2 : 0;
    expect(baselines).toEqual({ set: times, ended: times });
  });
});
