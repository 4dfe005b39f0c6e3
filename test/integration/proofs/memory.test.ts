import * as memory from '../../proofs/memory.ts';
import { describeShortProof } from '../short-proof.ts';

describeShortProof(memory);
