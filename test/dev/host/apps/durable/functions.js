const { app } = require('@azure/functions');
const df = require('durable-functions');

df.app.activity('greet', { handler: ({ name }) => `Hello ${name}` });
df.app.orchestration('greeting', function* (context) {
  return yield context.df.callActivity('greet', { name: context.df.getInput() });
});
app.http('start', {
  route: 'start/{name}',
  methods: ['POST'],
  extraInputs: [df.input.durableClient()],
  handler: async (request, context) => {
    const client = df.getClient(context);
    const id = await client.startNew('greeting', { input: request.params.name });
    return client.createCheckStatusResponse(request, id);
  },
});
