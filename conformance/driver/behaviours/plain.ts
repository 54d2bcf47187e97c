/** Automatic peers that belong to no chapter: those that are not there, say nothing, or say what the plan wrote down. */
import { HarnessError } from '../errors.ts';
import type { FrameSpec, Json, ValueFields } from '../plan.ts';
import type { SeenFrame } from '../trace.ts';
import type { Behaviour, BehaviourMaker, Said } from './behaviour.ts';

/** Dials to it come to nothing; nothing that is sent to it is answered. */
const absent: BehaviourMaker = () => ({ hear: () => [], dialled: () => 'failed' });

/** Dials to it are never answered. */
const lost: BehaviourMaker = () => ({ hear: () => [], dialled: () => 'lost' });

/** Takes links and says nothing. */
const silent: BehaviourMaker = () => ({ hear: () => [] });

interface Answer {
  readonly message: string;
  readonly fields: ValueFields;
  readonly afterMs?: number;
}

/**
 * Answers each request of a message with the reply that the plan gives for it:
 * `{ FindNode: { message: 'Nodes', fields: {…}, afterMs: 10 } }`.
 */
const answers: BehaviourMaker = (settings): Behaviour => {
  const byMessage = answersOf(settings);
  const answerTo = ({ body, requestId }: SeenFrame): { readonly answer: Answer; readonly frame: FrameSpec } | undefined => {
    const answer = body?.type === 'message' ? byMessage.get(body.message) : undefined;
    return answer && { answer, frame: { requestId, body: { type: 'message', message: answer.message, fields: answer.fields } } };
  };
  return {
    hear: (event): readonly Said[] => {
      if (event.type !== 'frame' && event.type !== 'datagram') return [];
      const frame = event.type === 'frame' ? event.frame : event.datagram.frame;
      const reply = frame && answerTo(frame);
      if (reply === undefined) return [];
      const afterMs = reply.answer.afterMs ?? 0;
      if (event.type === 'frame') return [{ link: event.link, frames: [reply.frame], afterMs }];
      return [{ datagram: { from: event.at, frame: reply.frame, cookie: event.datagram.cookie ?? '' }, afterMs }];
    },
  };
};

function answersOf(settings: Json | undefined): ReadonlyMap<string, Answer> {
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) {
    throw new HarnessError('the behaviour "answers" needs {MESSAGE: {message, fields}}');
  }
  return new Map(Object.entries(settings as Readonly<Record<string, unknown>>) as (readonly [string, Answer])[]);
}

/** By the names that plans use. */
export const plainBehaviours: Readonly<Record<string, BehaviourMaker>> = { absent, lost, silent, answers };
