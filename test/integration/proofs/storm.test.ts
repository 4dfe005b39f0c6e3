import * as storm from '../../proofs/storm.ts';
import { describeShortProof } from '../short-proof.ts';

describeShortProof(storm);
