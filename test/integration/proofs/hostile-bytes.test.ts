import * as hostileBytes from '../../proofs/hostile-bytes.ts';
import { describeShortProof } from '../short-proof.ts';

describeShortProof(hostileBytes);
