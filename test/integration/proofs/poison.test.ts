import * as poison from '../../proofs/poison.ts';
import { describeShortProof } from '../short-proof.ts';

describeShortProof(poison);
