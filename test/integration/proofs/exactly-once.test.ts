import * as exactlyOnce from '../../proofs/exactly-once.ts';
import { describeShortProof } from '../short-proof.ts';

describeShortProof(exactlyOnce);
